// Notices: the inbox, one notice, deliveries of a change, confirming.
import { computed } from 'vue'
import { useQuery } from '@tanstack/vue-query'
import { json } from './http'

export function useUnread() {
  const query = useQuery({ queryKey: ['unread'], queryFn: () => json<{ unread: number }>('/api/notify/unread') })
  return computed(() => query.data.value?.unread ?? 0)
}
