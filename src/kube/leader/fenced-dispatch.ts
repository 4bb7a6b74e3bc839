import type { Dispatcher } from "undici";
import type { WriteFence } from "./fence.ts";

type Handler = Dispatcher.DispatchHandler;

/**
 * Asks the fence when a write is about to be put on its connection, and not before: between a request and this moment lie
 * queues, a token that is read, a look-up, a handshake. From here to the socket nothing waits any more.
 */
export function fencedDispatch(fence: WriteFence): Dispatcher.DispatcherComposeInterceptor {
  return (dispatch) => (options, handler) =>
    dispatch(options, options.method === "GET" ? handler : fenced(handler, fence));
}

function fenced(handler: Handler, fence: WriteFence): Handler {
  return {
    onRequestStart: (controller, context) => {
      try {
        fence.check();
      } catch (error) {
        controller.abort(error as Error);
        return;
      }
      handler.onRequestStart?.(controller, context);
    },
    onResponseStart: (...all) => handler.onResponseStart?.(...all),
    onResponseData: (...all) => handler.onResponseData?.(...all),
    onResponseEnd: (...all) => handler.onResponseEnd?.(...all),
    onResponseError: (...all) => handler.onResponseError?.(...all),
  };
}
