/** Approvers as they are written in a node: shared by the editor and the runtime, so it knows neither. */

/** Somebody who is asked. */
export interface WrittenApprover {
  readonly kind: 'user' | 'role' | 'team';
  readonly approver: string;
  readonly members?: readonly string[];
  readonly emails?: readonly string[];
}

const ENTRY = /^(?:(user|role|team)\s*:)?\s*([^()<>,;]{1,128}?)\s*(?:\(([^()<>]*)\))?\s*(?:<([^()<>]*)>)?$/;

/**
 * Reads approvers: one per line, or separated by `;`: `ann`, `user: ann <ann@example.org>`, `role: approver`, `team: legal`, and
 * `team: legal (bob, carl)` where each member has a vote. Undefined when something cannot be read.
 */
export function readApprovers(written: string): WrittenApprover[] | undefined {
  const approvers: WrittenApprover[] = [];
  for (const entry of written.split(/[\n;]/).map((line) => line.trim())) {
    if (entry === '') continue;
    const found = ENTRY.exec(entry);
    const name = found?.[2]?.trim() ?? '';
    if (!found || name === '') return undefined;
    const kind = found[1] === 'role' || found[1] === 'team' ? found[1] : 'user';
    const members = names(found[3]);
    if (members.length > 0 && kind !== 'team') return undefined;
    const emails = names(found[4]);
    approvers.push({
      kind,
      approver: name,
      ...(members.length > 0 ? { members } : {}),
      ...(emails.length > 0 ? { emails } : {}),
    });
  }
  return approvers;
}

function names(list: string | undefined): string[] {
  return (list ?? '')
    .split(/[,\s]+/)
    .map((name) => name.trim())
    .filter((name) => name !== '');
}
