/** Gives a file to the reader, as if they had followed a link to it. */
export function download(file: Blob, fileName: string): void {
  const link = document.createElement('a');
  link.href = URL.createObjectURL(file);
  link.download = fileName;
  link.click();
  // The browser has taken the file by the next turn; it may stay on the disk, and need not stay here.
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}
