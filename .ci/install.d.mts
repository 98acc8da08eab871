export function install(root: string, name: string): void;
