/** Errors and news that belong to no field: shown as notifications, remembered until dismissed. */
import { type ErrorInfo, toErrorInfo } from '../../../electron/shared/errors.ts';
import type { SliceContext } from './types.ts';

export interface Notice {
  readonly id: number;
  readonly kind: 'error' | 'success' | 'info';
  readonly title: string;
  readonly message: string;
  readonly hint: string;
}

export interface NoticesSlice {
  notices: readonly Notice[];
  /** Shows an error to the user: `title` says what was tried. */
  report(title: string, thrown: unknown): void;
  announce(kind: 'success' | 'info', title: string, message?: string): void;
  dismissNotice(id: number): void;
}

export function noticesSlice({ set }: SliceContext): NoticesSlice {
  let nextId = 1;
  const add = (notice: Omit<Notice, 'id'>) =>
    set((s) => ({ notices: [...s.notices, { id: nextId++, ...notice }] }));
  return {
    notices: [],
    report(title, thrown) {
      const info = asErrorInfo(thrown);
      add({ kind: 'error', title, message: info.message, hint: info.hint });
    },
    announce: (kind, title, message = '') => add({ kind, title, message, hint: '' }),
    dismissNotice: (id) => set((s) => ({ notices: s.notices.filter((n) => n.id !== id) })),
  };
}

/** An ErrorInfo stays as it is; anything thrown becomes one. */
export function asErrorInfo(value: unknown): ErrorInfo {
  const like = value as Partial<ErrorInfo> | null;
  if (like && !(value instanceof Error) && typeof like.code === 'string' && typeof like.message === 'string')
    return { hint: '', data: {}, ...like } as ErrorInfo;
  return toErrorInfo(value);
}
