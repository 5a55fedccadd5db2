import { BaseNotificationChannel } from 'agenda';
import type { JobNotification, NotificationChannel, NotificationHandler } from 'agenda';

/**
 * Tells Agenda at once that a timer was set: in this process directly, in others through `remote` where the backend has
 * one (LISTEN/NOTIFY, Redis Pub/Sub). Leaves out Agenda's state notifications, which would cost three messages per ring.
 */
export class RingChannel extends BaseNotificationChannel {
  constructor(
    /** Names this process, so that it does not hear itself twice. */
    private readonly source: string,
    private readonly remote: NotificationChannel | undefined,
  ) {
    super();
    // Without a listener an error of a channel would end the process.
    this.on('error', () => undefined);
    remote?.on('error', (error) => this.emit('error', error));
  }

  async connect(): Promise<void> {
    await this.remote?.connect();
    this.setState('connected');
  }

  async disconnect(): Promise<void> {
    this.handlers.clear();
    this.setState('disconnected');
    await this.remote?.disconnect();
  }

  override subscribe(handler: NotificationHandler): () => void {
    const leaveHere = super.subscribe(handler);
    const leaveThere = this.remote?.subscribe((notification) =>
      notification.source === this.source ? undefined : handler(notification),
    );
    return () => {
      leaveHere();
      leaveThere?.();
    };
  }

  /** Never rejects and waits for nobody: a notification that is lost costs one poll. */
  async publish(notification: JobNotification): Promise<void> {
    this.here(notification);
    if (this.remote?.state !== 'connected') return;
    await this.remote
      .publish({ ...notification, source: this.source })
      .catch((error: unknown) => this.emit('error', error));
  }

  /** Tells this process only. */
  here(notification: JobNotification): void {
    void this.notifyHandlers(notification);
  }

  /** The official channels give up after ten attempts to connect again; this makes a new one. */
  async revive(): Promise<void> {
    if (this._state !== 'connected' || !this.remote || this.remote.state !== 'error') return;
    await this.remote.connect().catch(() => undefined);
  }
}
