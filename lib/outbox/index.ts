/** The outbox: what happened, told to others. The only file of this folder that others import. */
export { announce, wanted } from './announce';
export { listenersOf, type Listeners } from './listeners';
export { ANNOUNCEMENTS, type Announced, type Announcement, type AnnouncementType, type Listener } from './types';
