import { Button } from '@mantine/core';
import { IconFolderOpen } from '@tabler/icons-react';
import { electronBridge } from '../client/connect.ts';
import { useStore } from '../store/context.tsx';

/** Shows a folder of this machine in its file manager. A browser has no way to: there the path beside it is copied. */
export function OpenFolderButton({ path }: { path: string }) {
  const report = useStore((s) => s.report);
  const bridge = electronBridge();
  if (!bridge) return null;
  async function open() {
    const problem = await bridge?.openFolder(path);
    if (problem) report('The folder could not be opened', new Error(problem));
  }
  return (
    <Button
      size="xs"
      variant="default"
      leftSection={<IconFolderOpen size={16} aria-hidden />}
      onClick={() => void open()}
    >
      Open folder
    </Button>
  );
}
