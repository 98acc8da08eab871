const KNOWN: Readonly<Record<string, string>> = {
  ENOENT: 'no such file or folder',
  ENOTDIR: 'a file where a folder should be',
  EROFS: 'a file system that cannot be written',
  EISDIR: 'a folder',
  EACCES: 'no permission',
  ENOSPC: 'a full disk',
};

/** What is wrong with a file, for the end of a message: the host's error in words where we know it. */
export function fileProblem(error: unknown): string {
  const { code } = error as { code?: string };
  return KNOWN[code ?? ''] ?? String(error);
}
