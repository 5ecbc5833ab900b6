/** The paper's studies: start one, and read the reports of those that were made. `#/studies`, `#/studies/<id>`. */
import { Anchor, Progress, Skeleton, Stack, Text, Title } from '@mantine/core';
import { studyKinds } from '../../../../electron/shared/spec/study.ts';
import { href } from '../../app/route.ts';
import { formatAgo, plural } from '../../components/format.ts';
import { Page } from '../../components/Page.tsx';
import { useStore } from '../../store/context.tsx';
import sweeps from '../sweeps/Sweeps.module.css';
import { progressOf, progressText } from '../sweeps/sweep-points.ts';
import { useSweeps } from '../sweeps/use-sweeps.ts';
import { NewStudy } from './NewStudy.tsx';
import { StudyPage } from './StudyPage.tsx';

export default function StudiesPage({ id }: { id: string | null }) {
  return id === null ? <Overview /> : <StudyPage id={id} />;
}

function Overview() {
  const studies = useSweeps()?.filter(({ kind }) => kind !== 'sweep') ?? null;
  const runs = useStore((s) => s.runs);
  return (
    <Page
      title="Studies"
      description="The evaluation of the CoLLiE paper on your machine: memory, throughput, and optimizers and methods compared."
    >
      <Stack gap="xl">
        <div className={sweeps.cards}>
          {studyKinds.map((kind) => (
            <NewStudy key={kind} kind={kind} />
          ))}
        </div>
        {studies === null && <Skeleton h={80} aria-busy />}
        {studies !== null && studies.length > 0 && (
          <section aria-labelledby="studies-made">
            <Title order={2} size="h4" mb="xs" id="studies-made">
              Made so far
            </Title>
            <ul className={sweeps.cards}>
              {studies.map((study) => {
                const progress = progressOf(study, runs);
                return (
                  <li key={study.id} className={sweeps.card}>
                    <Anchor href={href('studies', study.id)} fw={600}>
                      {study.name}
                    </Anchor>
                    <Text size="sm" c="dimmed">
                      {plural(study.runs.length, 'run')}, {formatAgo(study.createdAt)}:{' '}
                      {progressText(progress)}
                    </Text>
                    <Progress
                      value={progress.share * 100}
                      size="sm"
                      mt={6}
                      aria-label={`Progress of ${study.name}`}
                    />
                  </li>
                );
              })}
            </ul>
          </section>
        )}
      </Stack>
    </Page>
  );
}
