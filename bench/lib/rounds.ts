import { median } from './statistics';

/** The sides of a comparison, measured in turn: what disturbs the machine for a while disturbs both. */
export interface Sides<Ours, Theirs> {
  readonly rounds: number;
  ours(round: number): Promise<Ours>;
  theirs(round: number): Promise<Theirs>;
}

/** Runs ours, theirs, theirs, ours, ours … so that neither always comes first. */
export async function alternate<Ours, Theirs>(sides: Sides<Ours, Theirs>): Promise<{ ours: Ours[]; theirs: Theirs[] }> {
  const ours: Ours[] = [];
  const theirs: Theirs[] = [];
  for (let round = 0; round < sides.rounds; round++) {
    if (round % 2 === 0) ours.push(await sides.ours(round));
    theirs.push(await sides.theirs(round));
    if (round % 2 === 1) ours.push(await sides.ours(round));
  }
  return { ours, theirs };
}

/** The median of one figure over the rounds. */
export function medianOf<Round>(rounds: readonly Round[], figure: (round: Round) => number): number {
  return median(rounds.map(figure));
}
