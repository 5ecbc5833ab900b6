import { Anchor, Text } from '@mantine/core';
import { specValue } from '../../../../electron/shared/spec/spec-fields.ts';
import { href } from '../../app/route.ts';
import { useStore } from '../../store/context.tsx';

/** What all runs of the sweep share: the settings of New run, in a sentence. */
export function BaseSettings({ spec }: { spec: Readonly<Record<string, unknown>> }) {
  const models = useStore((s) => s.models);
  const datasets = useStore((s) => s.datasets);
  const text = (path: string) => String(specValue(spec, path) ?? '');
  const nameIn = (list: readonly { id: string; name: string }[] | null, reference: string) =>
    list?.find(({ id }) => reference === `library:${id}`)?.name ?? reference.split('/').at(-1) ?? '';
  const [model, data] = [nameIn(models, text('model')), nameIn(datasets, text('dataset.train'))];
  return (
    <Text size="sm" mt="sm">
      {model === '' || data === '' ? (
        <>
          The settings that all of them share come from <NewRun />: choose a model and a dataset there first.
        </>
      ) : (
        <>
          Everything else as under <NewRun />: {model} on {data}, {text('method.type')} with{' '}
          {text('optimizer.type')}, {text('duration.value')} {text('duration.unit')}.
        </>
      )}
    </Text>
  );
}

const NewRun = () => (
  <Anchor href={href('compose')} underline="always" inherit>
    New run
  </Anchor>
);
