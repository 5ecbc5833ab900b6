import { Button, Code, Group, List, Modal, Stack, Text } from '@mantine/core';
import type { NamedJudge } from '../../../electron/shared/api/judges.ts';
import { useStore } from '../store/context.tsx';

/** Says where rows would go, and asks. */
export default function JudgeDialog() {
  const judges = useStore((s) => s.judgeQuestion);
  const answer = useStore((s) => s.answerJudges);
  return (
    <Modal
      opened={judges !== null}
      onClose={() => answer(false)}
      title="Send rows to this judge?"
      size="lg"
      closeButtonProps={{ 'aria-label': 'Close' }}
      // It may open over another dialog, and a page has one banner.
      attributes={{ header: { role: 'presentation' } }}
    >
      <Stack gap="md">
        <Text size="sm">
          Questions, reference answers and the model's answers of these evaluation sets are sent to the
          address below, at every evaluation. Allow it if you know who runs it. You are not asked again for
          the same address and key.
        </Text>
        {judges?.map((judge) => (
          <Judge key={JSON.stringify(judge)} judge={judge} />
        ))}
        <Group justify="flex-end" gap="sm">
          <Button variant="default" onClick={() => answer(false)} data-autofocus>
            Cancel
          </Button>
          <Button onClick={() => answer(true)}>Allow and start</Button>
        </Group>
      </Stack>
    </Modal>
  );
}

function Judge({ judge: { origin, keyEnv, model, sets } }: { judge: NamedJudge }) {
  return (
    <div>
      <Text size="sm" fw={600} style={{ overflowWrap: 'anywhere' }}>
        {origin}
      </Text>
      <List size="sm" mt={4}>
        <List.Item>
          Model <Code>{model}</Code>
        </List.Item>
        <List.Item>
          {sets.length === 1 ? `Evaluation set ${sets[0]}` : `Evaluation sets ${sets.join(', ')}`}
        </List.Item>
        <List.Item>
          {keyEnv === null ? (
            'Without a key'
          ) : (
            <>
              With the key that the environment variable <Code>{keyEnv}</Code> holds
            </>
          )}
        </List.Item>
      </List>
    </div>
  );
}
