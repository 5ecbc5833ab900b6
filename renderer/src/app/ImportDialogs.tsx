/** The one import dialog, wherever it was asked for. What was imported is shown when it is there. */
import { ImportDatasetModal } from '../features/datasets/ImportDatasetModal.tsx';
import { ImportModelModal } from '../features/models/ImportModelModal.tsx';
import { useStore } from '../store/context.tsx';
import { href, navigate } from './route.ts';

export default function ImportDialogs() {
  const importing = useStore((s) => s.importing);
  const close = useStore((s) => s.closeImport);
  if (importing?.kind === 'model')
    return (
      <ImportModelModal
        key={importing.path}
        path={importing.path}
        onClose={close}
        onDone={(model) => {
          close();
          navigate(href('models', model.id));
        }}
      />
    );
  if (importing?.kind === 'dataset')
    return (
      <ImportDatasetModal
        key={importing.path}
        path={importing.path}
        onClose={close}
        onDone={(dataset) => {
          close();
          navigate(href('datasets', dataset.id, ...(dataset.mapping ? [] : ['columns'])));
        }}
      />
    );
  return null;
}
