/** Another learning rate or another end for a run that trains. */
import { Button, Group, Modal, NumberInput, Stack, Text, TextInput } from '@mantine/core';
import { useState } from 'react';
import type { RunStatus } from '../../../../electron/shared/runs/events.ts';
import { type RunChange, runChangeSchema } from '../../../../electron/shared/runs/requests.ts';
import { formatInteger, formatNumber } from '../../components/format.ts';
import { useStore } from '../../store/context.tsx';

export function ChangeDialog({ run, onClose }: { run: RunStatus; onClose: () => void }) {
  const changeRun = useStore((s) => s.changeRun);
  const announce = useStore((s) => s.announce);
  const series = useStore((s) => s.runSeries[run.id]);
  const spec = useStore((s) => s.runDetails[run.id]?.spec);
  const peak = series?.changes.at(-1)?.learning_rate ?? spec?.optimizer.learning_rate ?? null;
  const [rate, setRate] = useState('');
  const [steps, setSteps] = useState<number | ''>('');
  const [busy, setBusy] = useState(false);

  const change: RunChange = {
    ...(rate.trim() === '' ? {} : { learning_rate: Number(rate) }),
    ...(steps === '' ? {} : { total_steps: steps }),
  };
  const wrong = runChangeSchema.safeParse(change).error?.issues.map(({ path }) => path[0]) ?? [];
  const past = steps !== '' && steps <= run.step;
  const ready = Object.keys(change).length > 0 && wrong.length === 0 && !past;
  const submit = async () => {
    setBusy(true);
    const heard = await changeRun(run.id, change);
    setBusy(false);
    if (!heard) return;
    announce('info', 'The new settings count from the next step on');
    onClose();
  };
  return (
    <Modal
      opened
      onClose={onClose}
      title="Change while it trains"
      closeButtonProps={{ 'aria-label': 'Close' }}
    >
      <form
        onSubmit={(event) => {
          event.preventDefault();
          if (ready) void submit();
        }}
      >
        <Stack gap="md">
          <TextInput
            label="Learning rate"
            description="The peak of the schedule. Empty: it stays."
            placeholder={peak === null ? '' : formatNumber(peak)}
            value={rate}
            error={wrong.includes('learning_rate') ? 'A number above 0, at most 1, such as 1e-4' : null}
            onChange={(event) => setRate(event.currentTarget.value)}
            data-autofocus
          />
          <NumberInput
            label="Length in steps"
            description="The schedule is that of a run of this length from then on. Empty: it stays."
            placeholder={run.totalSteps === null ? '' : formatInteger(run.totalSteps)}
            value={steps}
            min={1}
            clampBehavior="none"
            allowDecimal={false}
            thousandSeparator=","
            error={past ? `${formatInteger(run.step)} steps are done already` : null}
            onChange={(next) => setSteps(typeof next === 'number' ? next : '')}
          />
          <Text size="sm" c="dimmed">
            The change is part of the run's record: a resume makes it again at the same step.
          </Text>
          <Group justify="flex-end" gap="sm">
            <Button variant="default" onClick={onClose}>
              Cancel
            </Button>
            <Button type="submit" loading={busy} disabled={!ready}>
              Change
            </Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  );
}
