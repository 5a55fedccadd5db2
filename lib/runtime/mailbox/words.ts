/** One mail that arrived, as the mailbox page shows it. */
export interface ReceivedMail {
  /** Counts from 1 in order of arrival. */
  readonly id: number;
  /** Milliseconds since 1970. */
  readonly receivedAt: number;
  readonly envelope: { readonly from: string; readonly to: readonly string[] };
  readonly messageId: string;
  readonly from: string;
  readonly to: string;
  readonly subject: string;
  /** As it came over the wire. */
  readonly raw: Buffer;
}

/** What arrived since the start. */
export interface MailFigures {
  /** Deliveries: one per mail and recipient. */
  readonly arrived: number;
  /** Deliveries whose Message-ID had already reached the same recipient. */
  readonly duplicates: number;
  /** Different recipients. */
  readonly recipients: number;
}
