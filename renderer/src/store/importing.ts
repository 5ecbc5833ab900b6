/** The dialog that brings something into the library: opened from a page, from Ctrl+K, or by dropping a file. */
import type { SliceContext } from './types.ts';

export interface ImportRequest {
  readonly kind: 'model' | 'dataset';
  /** On the host's machine; empty: the user names it. */
  readonly path: string;
}

export interface ImportingSlice {
  importing: ImportRequest | null;
  openImport(kind: ImportRequest['kind'], path?: string): void;
  closeImport(): void;
}

export const importingSlice = ({ set }: SliceContext): ImportingSlice => ({
  importing: null,
  openImport: (kind, path = '') => set({ importing: { kind, path } }),
  closeImport: () => set({ importing: null }),
});
