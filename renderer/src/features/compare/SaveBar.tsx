/** Gives a comparison a name and takes it away as a file. */
import { Button, Group, Menu, Modal, Stack, TextInput } from '@mantine/core';
import { IconDeviceFloppy, IconDownload } from '@tabler/icons-react';
import { useState } from 'react';
import type { MethodParams } from '../../../../electron/shared/api/api.ts';
import { download } from '../../charts/download.ts';
import { useClient, useStore } from '../../store/context.tsx';
import type { Comparison } from './use-comparison.ts';

type Format = NonNullable<MethodParams<'compare.export'>['format']>;

const formats: Record<Format, { label: string; type: string }> = {
  html: { label: 'HTML page', type: 'text/html' },
  markdown: { label: 'Markdown', type: 'text/markdown' },
  csv: { label: 'CSV', type: 'text/csv' },
  latex: { label: 'LaTeX table', type: 'application/x-tex' },
};

export function SaveBar({ comparison }: { comparison: Comparison }) {
  const [naming, setNaming] = useState(false);
  const { saved } = comparison;
  return (
    <>
      <ExportMenu comparison={comparison} />
      <Button
        variant={saved ? 'default' : 'filled'}
        leftSection={<IconDeviceFloppy size={16} aria-hidden />}
        onClick={() => setNaming(true)}
      >
        {saved ? 'Rename…' : 'Save…'}
      </Button>
      {naming && <NameDialog comparison={comparison} onClose={() => setNaming(false)} />}
    </>
  );
}

function ExportMenu({ comparison: { view, saved } }: { comparison: Comparison }) {
  const client = useClient();
  const report = useStore((s) => s.report);
  const [busy, setBusy] = useState(false);
  const take = async (format: Format) => {
    if (!view) return;
    setBusy(true);
    try {
      const { name, text } = await client.call('compare.export', {
        name: saved?.name ?? 'Comparison',
        view,
        format,
      });
      download(name, formats[format].type, text);
    } catch (thrown) {
      report('The comparison could not be exported', thrown);
    } finally {
      setBusy(false);
    }
  };
  return (
    <Menu position="bottom-end">
      <Menu.Target>
        <Button variant="default" loading={busy} leftSection={<IconDownload size={16} aria-hidden />}>
          Export as…
        </Button>
      </Menu.Target>
      <Menu.Dropdown>
        {Object.entries(formats).map(([format, { label }]) => (
          <Menu.Item key={format} onClick={() => void take(format as Format)}>
            {label}
          </Menu.Item>
        ))}
      </Menu.Dropdown>
    </Menu>
  );
}

function NameDialog({ comparison, onClose }: { comparison: Comparison; onClose: () => void }) {
  const [name, setName] = useState(comparison.saved?.name ?? '');
  const [busy, setBusy] = useState(false);
  const given = name.trim();
  const save = async () => {
    setBusy(true);
    await comparison.save(given);
    onClose();
  };
  return (
    <Modal opened onClose={onClose} title={comparison.saved ? 'Rename' : 'Save this comparison'}>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          if (given !== '') void save();
        }}
      >
        <Stack>
          <TextInput
            label="Name"
            description="It gets an address of its own. What you change later is saved with it."
            value={name}
            maxLength={200}
            data-autofocus
            onChange={(event) => setName(event.currentTarget.value)}
          />
          <Group justify="flex-end">
            <Button variant="default" onClick={onClose}>
              Cancel
            </Button>
            <Button type="submit" disabled={given === ''} loading={busy}>
              Save
            </Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  );
}
