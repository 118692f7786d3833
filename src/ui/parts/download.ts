/** Offers a file to the reader as a download. */
export function download(file: Blob, fileName: string): void {
  const link = document.createElement('a');
  link.href = URL.createObjectURL(file);
  link.download = fileName;
  link.click();
  // The browser reads the file asynchronously, so its URL is revoked only later.
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}
