/** A file dropped anywhere in the window opens the import it is for. */
import { Overlay, Text } from '@mantine/core';
import { useEffect, useState } from 'react';
import { electronBridge } from '../client/connect.ts';
import { useStore } from '../store/context.tsx';
import classes from './Shell.module.css';

/** What names and kinds say of a drop: a GGUF file or a folder is a model, everything else data. */
export const kindOfDrop = (name: string, isFolder: boolean): 'model' | 'dataset' =>
  isFolder || /\.(gguf|safetensors)$/i.test(name) ? 'model' : 'dataset';

const hasFiles = (event: DragEvent) => event.dataTransfer?.types.includes('Files') ?? false;

export function DropFiles() {
  const openImport = useStore((s) => s.openImport);
  const announce = useStore((s) => s.announce);
  const [over, setOver] = useState(false);
  useEffect(() => {
    /** Entering a child comes before leaving its parent. */
    let depth = 0;
    const enter = (event: DragEvent) => {
      if (!hasFiles(event)) return;
      depth += 1;
      setOver(true);
    };
    const leave = () => {
      depth = Math.max(0, depth - 1);
      if (depth === 0) setOver(false);
    };
    // Without this the browser would leave the page for the file.
    const hover = (event: DragEvent) => hasFiles(event) && event.preventDefault();
    const drop = (event: DragEvent) => {
      depth = 0;
      setOver(false);
      if (!hasFiles(event)) return;
      event.preventDefault();
      const [item] = event.dataTransfer?.items ?? [];
      const file = item?.getAsFile() ?? event.dataTransfer?.files[0];
      if (!file) return;
      const folder = item?.webkitGetAsEntry?.()?.isDirectory ?? false;
      const path = electronBridge()?.pathOf(file) ?? '';
      openImport(kindOfDrop(file.name, folder), path);
      if (path === '')
        announce('info', `Choose "${file.name}" in the dialog`, 'A browser does not tell where a file lies.');
    };
    const listeners = { dragenter: enter, dragleave: leave, dragover: hover, drop } as const;
    for (const [name, listener] of Object.entries(listeners))
      window.addEventListener(name, listener as EventListener);
    return () => {
      for (const [name, listener] of Object.entries(listeners))
        window.removeEventListener(name, listener as EventListener);
    };
  }, [openImport, announce]);
  if (!over) return null;
  return (
    <Overlay fixed zIndex={500} backgroundOpacity={0.5} className={classes.drop ?? ''} aria-hidden>
      <Text fw={600} size="lg" c="white">
        Drop a data file, a GGUF file or a model folder to import it
      </Text>
    </Overlay>
  );
}
