import { isRecord, Problems } from '../../campaigns';
import type { Vote } from './voting';

const LONGEST_COMMENT = 10_000;

/** @throws InputError `E_APPROVAL_VOTE` */
export function checkVote(vote: Vote): void {
  const problems = new Problems();
  if (!isRecord(vote)) problems.add('', 'must be an object');
  else {
    if (vote.decision !== 'approve' && vote.decision !== 'reject') problems.add('/decision', 'is approve or reject');
    if (vote.comment !== undefined) commentProblems(problems, vote.comment);
  }
  problems.refuse('E_APPROVAL_VOTE', 'This is no vote');
}

/** @throws InputError `E_APPROVAL_TERMS` */
export function checkComment(comment: string | undefined): void {
  if (comment === undefined) return;
  const problems = new Problems();
  commentProblems(problems, comment);
  problems.refuse('E_APPROVAL_TERMS', 'This cannot be kept');
}

function commentProblems(problems: Problems, comment: unknown): void {
  if (typeof comment !== 'string' || comment.length > LONGEST_COMMENT) {
    problems.add('/comment', `is a text of at most ${LONGEST_COMMENT} characters`);
  } else problems.storable(comment, '/comment');
}
