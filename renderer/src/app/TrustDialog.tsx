import { Box, Button, Code, Group, Modal, Stack, Text } from '@mantine/core';
import { useStore } from '../store/context.tsx';
import classes from './TrustDialog.module.css';

/** Shows the code of callbacks that something is about to run, and asks. */
export default function TrustDialog() {
  const callbacks = useStore((s) => s.trustQuestion);
  const answer = useStore((s) => s.answerTrust);
  const usable = callbacks?.every(({ problem }) => problem === null) ?? false;
  return (
    <Modal
      opened={callbacks !== null}
      onClose={() => answer(false)}
      title="Run this code beside the training?"
      size="xl"
    >
      <Stack gap="md">
        <Text size="sm">
          A callback is a program: it can do what you can do, such as read your files and use the network.
          Approve it if you wrote it, or have read it and trust where it comes from. It is asked about again
          when it changes.
        </Text>
        {callbacks?.map(({ path, sha256, text, problem }) => (
          <Box key={path}>
            <Text size="sm" fw={600} style={{ overflowWrap: 'anywhere' }}>
              {path}
            </Text>
            {problem ? (
              <Text size="sm" c="var(--mantine-color-error)" role="alert">
                {problem.message} {problem.hint}
              </Text>
            ) : (
              <>
                <Text size="xs" c="dimmed">
                  SHA-256 {sha256.slice(0, 16)}…
                </Text>
                {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a scrolling region must be reachable by keyboard */}
                <section className={classes.code} aria-label={`Code of ${path}`} tabIndex={0}>
                  <Code block>{text}</Code>
                </section>
              </>
            )}
          </Box>
        ))}
        <Group justify="flex-end" gap="sm">
          <Button variant="default" onClick={() => answer(false)} data-autofocus>
            Cancel
          </Button>
          <Button disabled={!usable} onClick={() => answer(true)}>
            Approve and run
          </Button>
        </Group>
      </Stack>
    </Modal>
  );
}
