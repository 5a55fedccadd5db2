import type { StorySource } from '../../campaigns';

/** What of an enrollment was undone, or could not be, for the story of it. What could be undone and was not is left out. */
export const undoStory: StorySource = async (scope, { enrollment }) => {
  const rows = await scope.all<{ kind: string; seq: number; state: string; reason: string | null; updated_at: number }>(
    `SELECT u.kind, u.seq, u.state, u.reason, u.updated_at FROM marketing_undos u
     WHERE u.tenant_id = :tenant AND u.enrollment_id = :enrollment AND u.run_id IS NOT NULL AND u.attempt > 0
     ORDER BY u.updated_at, u.seq DESC`,
    { enrollment },
  );
  return rows.map(({ kind, seq, state, reason, updated_at }) => ({
    at: updated_at,
    step: '',
    kind: 'undo',
    state,
    text: `undo of ${kind} ${seq}: ${state}${reason === null ? '' : ` (${reason})`}`,
    ...(reason === null ? {} : { because: reason }),
  }));
};
