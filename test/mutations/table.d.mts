export interface Mutation {
  readonly family: string;
  readonly file: string;
  readonly find: string;
  readonly replace: string;
  readonly test: string;
  readonly only: string;
}

export const scripts: readonly Mutation[];
export const kernels: readonly Mutation[];
