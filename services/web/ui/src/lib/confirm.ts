// Confirming a notice: sent at once, or held while it can be taken back, or kept until the connection is back.
import { onBeforeUnmount, ref, watch } from 'vue'
import { useI18n } from 'vue-i18n'
import { useQueryClient } from '@tanstack/vue-query'
import { confirmPath, type Notice } from '@/api/notify'
import { asProblem } from '@/api/problem'
import { useConnection } from '@/stores/connection'
import { useSession } from '@/stores/session'
import { useToasts } from '@/stores/toasts'

const STALE = ['inbox', 'unread', 'notice', 'deliveries']

export function useConfirm() {
  const { t } = useI18n()
  const queries = useQueryClient()
  const connection = useConnection()
  const session = useSession()
  const toasts = useToasts()
  const busy = ref<string>()

  async function confirm(notice: Pick<Notice, 'notice'>) {
    busy.value = notice.notice
    try {
      const how = await connection.sendOrKeep(session.id, confirmPath(notice.notice), undefined, notice.notice)
      if (how === 'waiting') toasts.show(t('inbox.kept'), 'amber')
      else toasts.show(t('inbox.confirmed'))
      for (const key of STALE) void queries.invalidateQueries({ queryKey: [key] })
    } catch (error) {
      toasts.show(asProblem(error)?.message ?? t('state.unreachable'), 'red')
    } finally {
      busy.value = undefined
    }
  }

  /** Confirms after a while in which the reader can take it back; leaving the page sends it at once. */
  function confirmLater(notice: Pick<Notice, 'notice'>) {
    connection.sendLater(session.id, confirmPath(notice.notice), undefined, notice.notice)
    const stop = watch(
      () => connection.isHeld(notice.notice) || connection.isWaiting(notice.notice),
      (there) => {
        if (there) return
        stop()
        for (const key of STALE) void queries.invalidateQueries({ queryKey: [key] })
      },
    )
  }
  onBeforeUnmount(() => void connection.sendHeldNow(session.id))
  return { confirm, confirmLater, busy }
}
