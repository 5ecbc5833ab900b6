import { Button, NumberInput, Stack, Switch, Text, Textarea } from '@mantine/core';
import { IconRestore } from '@tabler/icons-react';
import { defaultSamplingState, type SamplingState } from './sampling-state.ts';

interface Props {
  state: SamplingState;
  onChange: (state: SamplingState) => void;
}

/** Empty while the user types: the last number stays in force. */
const whenNumber = (take: (value: number) => void) => (value: number | string) => {
  if (typeof value === 'number' && Number.isFinite(value)) take(value);
};

/** How the next word is chosen. */
export function SamplingPanel({ state, onChange }: Props) {
  const { sampling } = state;
  const change = (part: Partial<SamplingState['sampling']>) =>
    onChange({ ...state, sampling: { ...sampling, ...part } });
  return (
    <Stack gap="sm">
      <Textarea
        label="System message"
        description="Tells every model how to behave."
        autosize
        minRows={2}
        maxRows={8}
        value={state.system}
        onChange={(event) => onChange({ ...state, system: event.currentTarget.value })}
      />
      <NumberInput
        label="Temperature"
        description="0 always takes the likeliest token; higher is more varied."
        min={0}
        max={5}
        step={0.1}
        decimalScale={2}
        clampBehavior="strict"
        value={sampling.temperature}
        onChange={whenNumber((temperature) => change({ temperature }))}
      />
      <NumberInput
        label="Top-k"
        description="Only the k likeliest tokens. 0: no limit."
        min={0}
        max={1000}
        allowDecimal={false}
        clampBehavior="strict"
        value={sampling.topK}
        onChange={whenNumber((topK) => change({ topK }))}
      />
      <NumberInput
        label="Top-p"
        description="Only the likeliest tokens that together have this share."
        min={0.01}
        max={1}
        step={0.05}
        decimalScale={2}
        value={sampling.topP}
        onChange={whenNumber((topP) => topP > 0 && topP <= 1 && change({ topP }))}
      />
      <NumberInput
        label="Answer length"
        description="Most tokens in an answer."
        min={1}
        max={4096}
        step={64}
        allowDecimal={false}
        value={sampling.maxNewTokens}
        onChange={whenNumber(
          (maxNewTokens) => maxNewTokens >= 1 && maxNewTokens <= 4096 && change({ maxNewTokens }),
        )}
      />
      <Switch
        label="New seed for every question"
        checked={state.seedMode === 'new'}
        onChange={(event) => onChange({ ...state, seedMode: event.currentTarget.checked ? 'new' : 'fixed' })}
      />
      {state.seedMode === 'fixed' && (
        <NumberInput
          label="Seed"
          description="Same seed and settings, same answer."
          min={0}
          max={2_147_483_647}
          allowDecimal={false}
          clampBehavior="strict"
          value={sampling.seed}
          onChange={whenNumber((seed) => change({ seed }))}
        />
      )}
      <Button
        size="xs"
        variant="subtle"
        color="gray"
        leftSection={<IconRestore size={14} aria-hidden />}
        onClick={() => onChange({ ...defaultSamplingState(), system: state.system })}
      >
        Reset to defaults
      </Button>
      <Text size="xs" c="dimmed">
        All models get the same prompt, seed and settings, so that what differs comes from the training.
      </Text>
    </Stack>
  );
}
