/**
 * Files that a reader chose or dropped, folders included, as a flat list: what is in a folder has the way to it in its path.
 */
import type { ChosenFile } from '../../protocol/checkpoints.ts';

/** A folder dropped by mistake may be a whole disk. */
const MOST_FILES = 1000;

/** The files of an `<input type="file">`, which gives a folder's files with their paths. */
export function chosenFiles(files: Iterable<File>): ChosenFile[] {
  return [...files].map((file) => ({ path: file.webkitRelativePath || file.name, blob: file }));
}

/**
 * The files of a drop, of folders those in them too; at most a thousand.
 *
 * @throws what the browser throws for a file that it may not read
 */
export async function droppedFiles({ items }: DataTransfer): Promise<ChosenFile[]> {
  // The list is empty once the event is over: entries first, then what takes time.
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

/** A reader gives a folder in parts, and nothing at its end. */
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
