/** Calls a listener. What it throws is its own fault: reported as that of any listener, and no end of the upload. */
export function tell<Value>(listener: ((value: Value) => void) | undefined, value: Value): void {
  try {
    listener?.(value);
  } catch (error) {
    queueMicrotask(() => {
      throw error;
    });
  }
}
