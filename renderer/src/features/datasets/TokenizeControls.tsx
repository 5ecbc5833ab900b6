import { Alert, Anchor, Group, NumberInput, Select } from '@mantine/core';
import { useEffect, useState } from 'react';
import type { DatasetCard } from '../../../../electron/shared/api/entities.ts';
import type { TokenizeSettings } from './use-tokenize-query.ts';

/** Model and sequence length of the token views. A typed length counts once the field is left or Enter is pressed. */
export function TokenizeControls({ settings }: { settings: TokenizeSettings }) {
  const { models, model, seqLen, change } = settings;
  const [typed, setTyped] = useState<number | string>(seqLen);
  useEffect(() => setTyped(seqLen), [seqLen]);
  const commit = () => {
    if (typeof typed === 'number' && Number.isInteger(typed) && typed >= 8) {
      if (typed !== seqLen) change({ seq: typed });
    } else setTyped(seqLen);
  };
  return (
    <Group gap="md" align="flex-end">
      <Select
        label="Tokenizer of"
        data={models.map((m) => ({ value: m.id, label: m.name }))}
        value={model?.id ?? null}
        allowDeselect={false}
        w={280}
        onChange={(id) => id && change({ model: id })}
      />
      <NumberInput
        label="Sequence length"
        suffix=" tokens"
        value={typed}
        min={8}
        max={131_072}
        step={64}
        thousandSeparator=","
        allowDecimal={false}
        w={170}
        onChange={setTyped}
        onBlur={commit}
        onKeyDown={(event) => event.key === 'Enter' && commit()}
      />
    </Group>
  );
}

/** Why tokens cannot be shown yet, or null. */
export function NotReady({ dataset, settings }: { dataset: DatasetCard; settings: TokenizeSettings }) {
  if (dataset.mapping === null)
    return (
      <Alert color="yellow" title="Choose the columns first">
        Tokens depend on which columns hold what.{' '}
        <Anchor href={`#/datasets/${dataset.id}/columns`}>Columns</Anchor>
      </Alert>
    );
  if (settings.model === null)
    return (
      <Alert color="yellow" title="Import a model first">
        Each model has its own tokenizer and chat template. <Anchor href="#/models">Models</Anchor>
      </Alert>
    );
  return null;
}
