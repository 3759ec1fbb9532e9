/** Whether this phone is pushed to. The browser's part is the page's (`page/push.js`), telling the server the context's. */

/** `POST /m/push`: `subscription` as the browser gave it, empty for no more. 503 when the server did not hear of it. */
export async function setPush({ form }, store, context) {
  try {
    await context.tellSubscription(form.subscription ? JSON.parse(form.subscription) : null);
    return { status: 204 };
  } catch {
    return { status: 503 };
  }
}
