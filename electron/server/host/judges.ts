/** Handlers of judges. */
import { CollieError } from '../../shared/errors.ts';
import { judgeAddressProblem } from '../../shared/spec/judge.ts';
import type { AreaHandlers } from './handlers.ts';
import type { Services } from './services.ts';

export function judgeHandlers({ judges }: Services): AreaHandlers<'judges'> {
  return {
    'judges.allow': ({ judges: wished }) => {
      for (const { origin } of wished) requireOrigin(origin);
      for (const one of wished) judges.add(one);
      return {};
    },
  };
}

function requireOrigin(origin: string): void {
  if (judgeAddressProblem(origin) === null && new URL(origin).origin === origin) return;
  throw new CollieError(
    'request.invalid',
    `${origin} is no origin of a web server.`,
    'Give scheme, host and port alone, such as http://127.0.0.1:8080.',
    { origin },
  );
}
