import { Badge } from '@mantine/core';
import { IconAlertTriangle, IconCircleCheck, IconCircleX } from '@tabler/icons-react';
import type { Verdict } from '../../../electron/shared/api/model-fit.ts';

const verdicts = {
  fits: { text: 'Fits', color: 'green', ink: 'var(--collie-ok)', icon: IconCircleCheck },
  tight: { text: 'Tight', color: 'yellow', ink: 'var(--collie-warn)', icon: IconAlertTriangle },
  does_not_fit: { text: 'Does not fit', color: 'red', ink: 'var(--collie-bad)', icon: IconCircleX },
} as const;

/** Whether a forecast of memory fits. */
export function VerdictBadge({ verdict, small = false }: { verdict: Verdict; small?: boolean }) {
  const { text, color, ink, icon: Icon } = verdicts[verdict];
  return (
    <Badge
      variant="light"
      miw="max-content"
      color={color}
      c={ink}
      {...(small ? { size: 'sm' } : { leftSection: <Icon size={13} aria-hidden /> })}
    >
      {text}
    </Badge>
  );
}
