// Short messages that float over the sheet and go by themselves.
import { defineStore } from 'pinia'
import { ref } from 'vue'

export interface Toast {
  id: number
  text: string
  tone: 'blue' | 'green' | 'amber' | 'red'
  action?: { label: string; run: () => void }
}

export const useToasts = defineStore('toasts', () => {
  const toasts = ref<Toast[]>([])
  let next = 1

  function dismiss(id: number) {
    toasts.value = toasts.value.filter((toast) => toast.id !== id)
  }
  function show(text: string, tone: Toast['tone'] = 'green', action?: Toast['action'], forMilliseconds = 6000) {
    const id = next++
    toasts.value = [...toasts.value.slice(-2), { id, text, tone, action }]
    setTimeout(() => dismiss(id), forMilliseconds)
    return id
  }
  return { toasts, show, dismiss }
})
