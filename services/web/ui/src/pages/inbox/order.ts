// The order of the inbox: to confirm by nearest escalation, then unread, then the rest, newest first.
import { isUnread, waitsForConfirmation, type Notice } from '@/api/notify'

const rank = (notice: Notice) => (waitsForConfirmation(notice) ? 0 : isUnread(notice) ? 1 : 2)

export function orderOf(notices: readonly Notice[]): Notice[] {
  return [...notices].sort((a, b) => {
    if (rank(a) !== rank(b)) return rank(a) - rank(b)
    if (rank(a) === 0) return (a.escalate_at ?? '9').localeCompare(b.escalate_at ?? '9') || b.delivered_at.localeCompare(a.delivered_at)
    return b.delivered_at.localeCompare(a.delivered_at)
  })
}

/** Somebody has named the reader, and it still stands. */
export const mentionsReader = (notice: Notice) => Boolean(notice.mentioned_by_name) && !notice.superseded
