import { Button, Group, TextInput } from '@mantine/core';
import { IconFolderOpen } from '@tabler/icons-react';
import { type ReactNode, useState } from 'react';
import { electronBridge } from '../client/connect.ts';
import { FileBrowser } from './FileBrowser.tsx';

export interface PathPickerProps {
  readonly label?: string;
  /** Name for screen readers where no label is shown. */
  readonly ariaLabel?: string;
  readonly id?: string;
  readonly description?: ReactNode;
  readonly descriptionProps?: { readonly id: string; readonly fz: string };
  /** Where the description stands; above the input when left out. */
  readonly inputWrapperOrder?: ('label' | 'input' | 'description' | 'error')[];
  readonly value: string;
  readonly onChange: (path: string) => void;
  /** What counts: files with one of `extensions`, folders, or either. */
  readonly pick: 'file' | 'folder' | 'either';
  /** Without dots. Absent: every file. */
  readonly extensions?: readonly string[];
  readonly placeholder?: string;
  readonly error?: string | undefined;
  /** Tells when the list of folders is open: Escape then closes that, not the dialog around this field. */
  readonly onBrowsing?: (open: boolean) => void;
}

/** A path on the host's machine: typed, or chosen in the system's dialog (Electron) or in a list (browser). */
export function PathPicker(props: PathPickerProps) {
  const {
    label,
    ariaLabel,
    id,
    description,
    descriptionProps,
    inputWrapperOrder,
    value,
    onChange,
    pick,
    extensions = [],
    placeholder,
    error,
  } = props;
  const { onBrowsing } = props;
  const [browsing, setOpen] = useState(false);
  const setBrowsing = (open: boolean) => {
    setOpen(open);
    onBrowsing?.(open);
  };
  const bridge = electronBridge();

  async function choose(kind: 'file' | 'folder') {
    const path = await bridge?.pickPath({ kind, extensions: [...extensions] });
    if (path) onChange(path);
  }

  return (
    <>
      <Group align={inputWrapperOrder ? 'flex-start' : 'flex-end'} gap="xs" wrap="nowrap">
        <TextInput
          style={{ flex: 1 }}
          {...(id ? { id } : {})}
          label={label}
          aria-label={ariaLabel}
          description={description}
          {...(descriptionProps ? { descriptionProps } : {})}
          {...(inputWrapperOrder ? { inputWrapperOrder } : {})}
          placeholder={placeholder}
          value={value}
          error={error}
          spellCheck={false}
          autoComplete="off"
          onChange={(event) => onChange(event.currentTarget.value)}
        />
        {bridge ? (
          <>
            {pick !== 'folder' && <BrowseButton label="Choose file…" onClick={() => void choose('file')} />}
            {pick !== 'file' && <BrowseButton label="Choose folder…" onClick={() => void choose('folder')} />}
          </>
        ) : (
          <BrowseButton label="Browse…" onClick={() => setBrowsing(true)} />
        )}
      </Group>
      {browsing && (
        <FileBrowser
          pick={pick}
          extensions={extensions}
          onClose={() => setBrowsing(false)}
          onPick={(path) => {
            onChange(path);
            setBrowsing(false);
          }}
        />
      )}
    </>
  );
}

function BrowseButton({ label, onClick }: { label: string; onClick: () => void }) {
  return (
    <Button variant="default" leftSection={<IconFolderOpen size={16} aria-hidden />} onClick={onClick}>
      {label}
    </Button>
  );
}
