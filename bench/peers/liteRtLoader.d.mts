export function openLiteRt(): Promise<typeof import('@litertjs/core')>;
