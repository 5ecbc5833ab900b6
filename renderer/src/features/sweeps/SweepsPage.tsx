import { SweepEditorPage } from './SweepEditorPage.tsx';
import { SweepPage } from './SweepPage.tsx';
import { SweepsList } from './SweepsList.tsx';

/** `#/sweeps`, `#/sweeps/new`, `#/sweeps/<id>` and `#/sweeps/<id>/add`. */
export default function SweepsPage({ id, part }: { id: string | null; part: string | null }) {
  if (id === null) return <SweepsList />;
  if (id === 'new') return <SweepEditorPage id={null} />;
  return part === 'add' ? <SweepEditorPage id={id} /> : <SweepPage id={id} />;
}
