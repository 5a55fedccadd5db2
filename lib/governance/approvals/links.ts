import { createSealer, type Sealer, type SealSecrets } from '../../compliance';
import { InputError } from '../../errors';

/** What a link that decides says: which vote, by whom, until when. */
export interface ApprovalPass {
  readonly approval: number;
  readonly seat: number;
  /** The seat's version: with the first vote the link has done its work. */
  readonly version: number;
  /** Who votes. */
  readonly voter: string;
  /** Ms since 1970. */
  readonly expiresAt: number;
}

/** Makes and reads links. */
export interface LinkSigner {
  url(pass: ApprovalPass): string;
  /** What a token says, or undefined when it was not made here, or for another tenant. Says nothing about whether it still counts. */
  verify(token: string): ApprovalPass | undefined;
}

const PURPOSE = 'approval/v1';

/** Links of one tenant, below `base`. @throws InputError `E_SECRET` */
export function approvalLinks(base: string, tenant: string, secrets: SealSecrets): LinkSigner {
  const sealer: Sealer = createSealer(PURPOSE, secrets);
  return {
    url({ approval, seat, version, voter, expiresAt }) {
      const numbers = [approval, seat, version, expiresAt];
      if (!numbers.every((one) => Number.isSafeInteger(one) && one >= 0)) {
        throw new InputError('E_TOKEN_PAYLOAD', 'A link that decides needs whole numbers. Check what is signed.');
      }
      return `${base}/a/${sealer.seal(Buffer.from(JSON.stringify([...numbers, voter, tenant])))}`;
    },
    verify(token) {
      const bytes = sealer.open(token);
      if (!bytes) return undefined;
      const [approval, seat, version, expiresAt, voter, whose] = JSON.parse(bytes.toString('utf8')) as [
        number,
        number,
        number,
        number,
        string,
        string,
      ];
      return whose === tenant ? { approval, seat, version, voter, expiresAt } : undefined;
    },
  };
}
