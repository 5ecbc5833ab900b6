import {
  Alert,
  Button,
  Code,
  CopyButton,
  FileButton,
  Group,
  List,
  Stack,
  Text,
  Textarea,
} from '@mantine/core';
import { IconCheck, IconCopy, IconDownload, IconTerminal2, IconUpload } from '@tabler/icons-react';
import { useEffect, useState } from 'react';
import { useStore } from '../../store/context.tsx';
import { type Draft, sameValue } from '../../store/draft.ts';
import classes from './Compose.module.css';
import { issueText } from './issues.ts';
import { parseSpecText, specFileName, specText } from './spec-text.ts';

/** The spec as JSON: the same draft as the form, the same checks. */
export function SpecJson() {
  const draft = useStore((s) => s.draft);
  const issues = useStore((s) => s.issues);
  const replace = useStore((s) => s.replaceDraft);
  const [text, setText] = useState(() => specText(draft));
  const [problem, setProblem] = useState<string | null>(null);

  // Changes from elsewhere are shown; what is being typed here stays as it is.
  useEffect(() => {
    setText((old) => {
      const parsed = parseSpecText(old);
      return 'spec' in parsed && sameValue(parsed.spec, draft) ? old : specText(draft);
    });
  }, [draft]);

  function edit(next: string) {
    setText(next);
    const parsed = parseSpecText(next);
    setProblem('spec' in parsed ? null : parsed.problem);
    if ('spec' in parsed) replace(parsed.spec);
  }

  return (
    <Stack gap="md">
      <Buttons draft={draft} onText={edit} />
      {problem && (
        <Alert color="red" title="This is not a spec">
          {problem} The form keeps the last version that was.
        </Alert>
      )}
      {!problem && issues.length > 0 && (
        <Alert color="red" title={`${issues.length} to fix`}>
          <List size="sm" spacing={2}>
            {issues.map((issue) => (
              <List.Item key={issue.path + issue.message}>
                <Code>{issue.path || 'spec'}</Code> {issueText(issue)}
              </List.Item>
            ))}
          </List>
        </Alert>
      )}
      <Textarea
        className={classes.json ?? ''}
        aria-label="The spec as JSON"
        value={text}
        spellCheck={false}
        autosize
        minRows={16}
        onChange={(event) => edit(event.currentTarget.value)}
      />
    </Stack>
  );
}

function Buttons({ draft, onText }: { draft: Draft; onText: (text: string) => void }) {
  const report = useStore((s) => s.report);
  const file = specFileName(draft);
  const command = `npx collie run ${file}`;
  return (
    <Stack gap="xs">
      <Group gap="xs">
        <Copy text={specText(draft)} label="Copy JSON" icon={<IconCopy size={15} aria-hidden />} />
        <Button
          size="xs"
          variant="default"
          leftSection={<IconDownload size={15} aria-hidden />}
          onClick={() => download(file, specText(draft))}
        >
          Download
        </Button>
        <FileButton
          accept=".json,application/json"
          onChange={(chosen) =>
            void chosen?.text().then(onText, (thrown) => report('The file could not be read', thrown))
          }
        >
          {(props) => (
            <Button size="xs" variant="default" leftSection={<IconUpload size={15} aria-hidden />} {...props}>
              Open a file
            </Button>
          )}
        </FileButton>
        <Copy text={command} label="Copy CLI command" icon={<IconTerminal2 size={15} aria-hidden />} />
      </Group>
      <Text size="xs" c="dimmed">
        Download the file, then <Code>{command}</Code> trains the same run without a window.
      </Text>
    </Stack>
  );
}

function Copy({ text, label, icon }: { text: string; label: string; icon: React.ReactNode }) {
  return (
    <CopyButton value={text}>
      {({ copied, copy }) => (
        <Button
          size="xs"
          variant="default"
          leftSection={copied ? <IconCheck size={15} aria-hidden /> : icon}
          onClick={copy}
          miw={120}
        >
          <span aria-live="polite">{copied ? 'Copied' : label}</span>
        </Button>
      )}
    </CopyButton>
  );
}

function download(name: string, text: string): void {
  const url = URL.createObjectURL(new Blob([text], { type: 'application/json' }));
  const link = document.createElement('a');
  link.href = url;
  link.download = name;
  link.click();
  URL.revokeObjectURL(url);
}
