import { Anchor, Group, Select, Text } from '@mantine/core';
import { useState } from 'react';
import { formatBytes, formatCount, formatInteger, plural } from '../../../components/format.ts';
import { PathPicker } from '../../../components/PathPicker.tsx';
import { libraryRef } from '../../../store/compose.ts';
import { useStore } from '../../../store/context.tsx';
import { type FieldProps, helpProps } from './field-props.ts';
import { useChosenModel } from './use-chosen.ts';

interface Item {
  readonly value: string;
  readonly label: string;
  readonly disabled: boolean;
}

const DATA_EXTENSIONS = ['jsonl', 'ndjson', 'json', 'csv', 'tsv', 'parquet'];

/** A model: one of the library, or a folder on this machine. */
export function ModelField(props: FieldProps) {
  const models = useStore((s) => s.models) ?? [];
  const chosen = useChosenModel();
  const items = models.map((model) => ({
    value: libraryRef(model.id),
    label: model.problem ? `${model.name} (cannot be trained)` : `${model.name}`,
    disabled: model.problem !== null,
  }));
  return (
    <>
      <LibraryOrPath
        {...props}
        items={items}
        nothing="The library has no model yet."
        library="#/models"
        pick={{ pick: 'folder' }}
      />
      {chosen && (
        <Text size="xs" c="dimmed" mt={4}>
          {chosen.family} · {formatCount(chosen.parameters)} parameters · {chosen.dtype} ·{' '}
          {formatInteger(chosen.contextLength)} tokens of context · {formatBytes(chosen.sizeBytes)} ·{' '}
          <Anchor href={`#/models/${chosen.id}`} size="xs" underline="always">
            Details
          </Anchor>
        </Text>
      )}
    </>
  );
}

/** A dataset: one of the library, or a file on this machine. Choosing training data takes over its columns. */
export function DatasetField(props: FieldProps) {
  const datasets = useStore((s) => s.datasets) ?? [];
  const choose = useStore((s) => s.chooseDataset);
  const training = props.field.path === 'dataset.train';
  const chosen = datasets.find((d) => libraryRef(d.id) === props.value) ?? null;
  const items = datasets.map((d) => ({ value: libraryRef(d.id), label: d.name, disabled: false }));
  const change = (value: unknown) => {
    const dataset = datasets.find((d) => libraryRef(d.id) === value);
    if (training && dataset) choose(dataset.id);
    else props.onChange(value);
  };
  return (
    <>
      <LibraryOrPath
        {...props}
        onChange={change}
        items={items}
        nothing="The library has no dataset yet."
        library="#/datasets"
        pick={{ pick: 'file', extensions: DATA_EXTENSIONS }}
      />
      {chosen && (
        <Group gap={6} mt={4}>
          <Text size="xs" c="dimmed">
            {plural(chosen.rows, 'row')} · {formatBytes(chosen.sizeBytes)} ·
          </Text>
          <Anchor href={`#/datasets/${chosen.id}/tokens`} size="xs">
            Token lengths
          </Anchor>
          <Anchor href={`#/datasets/${chosen.id}/row`} size="xs">
            What is trained
          </Anchor>
        </Group>
      )}
    </>
  );
}

interface LibraryOrPathProps extends FieldProps {
  readonly items: readonly Item[];
  readonly nothing: string;
  /** Address of the library page. */
  readonly library: string;
  readonly pick: { readonly pick: 'file' | 'folder'; readonly extensions?: readonly string[] };
}

function LibraryOrPath(props: LibraryOrPathProps) {
  const { field, id, value, error, help, onChange, items, nothing, library, pick } = props;
  const isPath = typeof value === 'string' && !value.startsWith('library:');
  const [wantsPath, setWantsPath] = useState(isPath);
  const byPath = wantsPath || isPath;
  const empty = field.nullable ? null : undefined;
  const known = items.some((item) => item.value === value);
  const gone = typeof value === 'string' && !isPath && !known;
  const toggle = (
    <Anchor
      component="button"
      type="button"
      size="xs"
      mt={2}
      mih={24}
      onClick={() => {
        setWantsPath(!byPath);
        onChange(empty);
      }}
    >
      {byPath ? 'Choose from the library' : 'Use a path instead'}
    </Anchor>
  );
  if (byPath)
    return (
      <>
        <PathPicker
          {...pick}
          id={id}
          ariaLabel={`${field.meta.title}, path`}
          value={typeof value === 'string' ? value : ''}
          error={error}
          {...helpProps({ id, help })}
          onChange={(path) => onChange(path === '' ? empty : path)}
        />
        {toggle}
      </>
    );
  return (
    <>
      <Select
        id={id}
        data={
          gone ? [...items, { value, label: `${value} (not in the library)`, disabled: true }] : [...items]
        }
        value={typeof value === 'string' ? value : null}
        placeholder={items.length === 0 ? nothing : field.nullable ? 'None' : 'Choose one'}
        searchable={items.length > 8}
        clearable={field.nullable}
        allowDeselect={false}
        error={error}
        {...helpProps({ id, help })}
        onChange={(next) => onChange(next ?? empty)}
      />
      <Group gap="sm">
        {toggle}
        {items.length === 0 && (
          <Anchor href={library} size="xs" mt={4}>
            Import one
          </Anchor>
        )}
      </Group>
    </>
  );
}
