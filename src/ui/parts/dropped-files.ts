/**
 * Files that a reader chose or dropped, folders included, as a flat list; the path of each file includes its folders.
 */
import type { ChosenFile } from '../../protocol/checkpoints.ts';

/** A limit, because a folder dropped by mistake may be a whole disk. */
const MOST_FILES = 1000;

/** The files of an `<input type="file">`; a folder's files have their paths. */
export function chosenFiles(files: Iterable<File>): ChosenFile[] {
  return [...files].map((file) => ({ path: file.webkitRelativePath || file.name, blob: file }));
}

/**
 * The files of a drop, including those inside folders; at most a thousand.
 *
 * @throws the browser's error for a file that it may not read
 */
export async function droppedFiles({ items }: DataTransfer): Promise<ChosenFile[]> {
  // The list is emptied after the event, so all entries are taken before the first await.
  const entries = [...items].flatMap((item) => item.webkitGetAsEntry() ?? []);
  const found: ChosenFile[] = [];
  while (entries.length > 0 && found.length < MOST_FILES) {
    const entry = entries.shift();
    if (entry !== undefined && isFile(entry)) {
      const blob = await new Promise<File>((resolve, reject) => entry.file(resolve, reject));
      found.push({ path: entry.fullPath.replace(/^\//u, ''), blob });
    } else if (entry !== undefined && isFolder(entry)) {
      entries.push(...(await entriesOf(entry)));
    }
  }
  return found;
}

/** The API returns a folder in parts, and an empty part at the end. */
async function entriesOf(folder: FileSystemDirectoryEntry): Promise<FileSystemEntry[]> {
  const reader = folder.createReader();
  const all: FileSystemEntry[] = [];
  while (all.length < MOST_FILES) {
    const part = await new Promise<FileSystemEntry[]>((resolve, reject) => reader.readEntries(resolve, reject));
    if (part.length === 0) break;
    all.push(...part);
  }
  return all;
}

function isFile(entry: FileSystemEntry): entry is FileSystemFileEntry {
  return entry.isFile;
}

function isFolder(entry: FileSystemEntry): entry is FileSystemDirectoryEntry {
  return entry.isDirectory;
}
