// What has just changed elsewhere, newest first: the live strip, and which rows wash blue.
import { defineStore } from 'pinia'
import { ref } from 'vue'
import type { LiveMessage } from '@/api/live'

export interface Recent extends LiveMessage {
  at: Date
}

const WASH = 6000

export const useRecent = defineStore('recent', () => {
  const messages = ref<Recent[]>([])
  const fresh = ref(new Map<string, Date>())

  function hear(message: LiveMessage) {
    const at = new Date()
    messages.value = [{ ...message, at }, ...messages.value].slice(0, 60)
    fresh.value.set(message.id, at)
    setTimeout(() => {
      if (fresh.value.get(message.id) === at) fresh.value.delete(message.id)
    }, WASH)
  }
  return { messages, fresh, hear, isFresh: (id: string) => fresh.value.has(id) }
})
