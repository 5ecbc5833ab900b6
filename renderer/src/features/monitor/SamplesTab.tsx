/** What the model answers to the sample prompts, and how that changes with training. */
import { Group, SegmentedControl, Select, Stack, Text } from '@mantine/core';
import { IconQuote } from '@tabler/icons-react';
import { useMemo, useState } from 'react';
import type { Sample } from '../../../../electron/shared/runs/events.ts';
import { EmptyState } from '../../components/EmptyState.tsx';
import { formatInteger } from '../../components/format.ts';
import classes from './Monitor.module.css';
import { type SampledPrompt, sampledSteps, samplesByPrompt } from './samples.ts';

interface Props {
  samples: readonly Sample[];
  lastStep: number;
  /** false: the spec asks for no samples. */
  asked: boolean;
}

export function SamplesTab({ samples, lastStep, asked }: Props) {
  const prompts = useMemo(() => samplesByPrompt(samples, lastStep), [samples, lastStep]);
  const steps = useMemo(() => sampledSteps(prompts), [prompts]);
  const [view, setView] = useState<'two' | 'all'>('two');
  const [left, setLeft] = useState<number | null>(null);
  const [right, setRight] = useState<number | null>(null);
  if (prompts.length === 0)
    return (
      <EmptyState
        icon={IconQuote}
        title={asked ? 'No samples yet' : 'This run makes no samples'}
        text={
          asked
            ? 'The sample prompts are answered at every evaluation, the first time before training.'
            : 'Add sample prompts in the form, and the model answers them at every evaluation, so that you see it change.'
        }
      />
    );
  const leftStep = left ?? steps[0] ?? 0;
  const rightStep = right ?? steps.at(-1) ?? 0;
  return (
    <Stack gap="lg">
      <Group gap="md">
        <SegmentedControl
          size="xs"
          aria-label="Which answers"
          data={[
            { value: 'two', label: 'Two steps side by side' },
            { value: 'all', label: 'Every step' },
          ]}
          value={view}
          onChange={(value) => setView(value as 'two' | 'all')}
        />
        {view === 'two' && (
          <>
            <StepSelect label="Left" steps={steps} value={leftStep} onChange={setLeft} />
            <StepSelect label="Right" steps={steps} value={rightStep} onChange={setRight} />
          </>
        )}
      </Group>
      {prompts.map((prompt) => (
        <section
          key={prompt.promptIndex}
          aria-label={`Prompt ${prompt.promptIndex + 1}`}
          className={classes.samples}
        >
          <div className={classes.prompt}>{prompt.prompt}</div>
          {view === 'two' ? (
            <>
              <Answer prompt={prompt} step={leftStep} />
              <Answer prompt={prompt} step={rightStep} />
            </>
          ) : (
            prompt.answers.map((answer) => <Answer key={answer.step} prompt={prompt} step={answer.step} />)
          )}
        </section>
      ))}
    </Stack>
  );
}

function StepSelect(props: {
  label: string;
  steps: readonly number[];
  value: number;
  onChange: (step: number) => void;
}) {
  return (
    <Group gap={6}>
      <Text size="sm" id={`samples-${props.label}`}>
        {props.label}
      </Text>
      <Select
        size="xs"
        w={130}
        aria-labelledby={`samples-${props.label}`}
        data={props.steps.map((step) => ({ value: String(step), label: stepName(step) }))}
        value={String(props.value)}
        allowDeselect={false}
        onChange={(value) => value !== null && props.onChange(Number(value))}
      />
    </Group>
  );
}

const stepName = (step: number) => (step === 0 ? 'Before training' : `Step ${formatInteger(step)}`);

function Answer({ prompt, step }: { prompt: SampledPrompt; step: number }) {
  const answer = prompt.answers.find((a) => a.step === step);
  return (
    <div className={classes.answer}>
      <Text size="xs" c="dimmed" mb={4}>
        {stepName(step)}
        {answer?.finish === 'length' ? ', cut at the sample length' : ''}
      </Text>
      {answer ? (
        <Text size="sm" component="div">
          {answer.text || '(an empty answer)'}
        </Text>
      ) : (
        <Text size="sm" c="dimmed">
          Not sampled at this step
        </Text>
      )}
    </div>
  );
}
