package io.jllm.server.http;

import io.jllm.server.json.BadField;
import java.io.IOException;
import java.util.List;
import java.util.Optional;
import java.util.stream.Collectors;

/**
 * Who answers what, and what becomes of errors.
 *
 * @param routes no two of them the same
 * @param guard who is let in
 */
record Routes(List<Route> routes, Guard guard) {
    private static final System.Logger LOG = System.getLogger("io.jllm.server");

    /**
     * Answers a call, with an error if need be.
     *
     * @param refusal why no call is answered now
     */
    void answer(Call call, Optional<ApiError> refusal) throws IOException, InterruptedException {
        List<Route> there = routes.stream().filter(r -> r.leads(call.path())).toList();
        ErrorBodies errors = there.stream().findFirst().map(Route::errors).orElse(ErrorBodies.OPENAI);
        try {
            if (refusal.isPresent()) {
                throw refusal.get();
            }
            if (guard.isPreflight(call)) {
                call.reply(204, "text/plain", new byte[0]);
                return;
            }
            Route route = route(call, there);
            guard.check(call, route);
            route.endpoint().answer(call);
        } catch (ApiError e) {
            error(call, errors, e);
        } catch (BadField e) {
            error(call, errors, ApiError.badField(e.param(), e.getMessage()));
        } catch (RuntimeException | StackOverflowError e) {
            if (Thread.currentThread().isInterrupted()) {
                throw new InterruptedException(); // what was cancelled has no other meaning
            }
            LOG.log(System.Logger.Level.WARNING, "request " + call.id() + " failed", e);
            error(call, errors, ApiError.failed("the server failed to answer this; its log says why, at request " + call.id()));
        }
    }

    private static Route route(Call call, List<Route> there) {
        List<Route> exact = there.stream().filter(r -> r.path().equals(call.path())).toList();
        List<Route> meant = exact.isEmpty() ? there : exact;
        String method = call.method().equals("HEAD") ? "GET" : call.method();
        return meant.stream().filter(r -> r.method().equals(method)).findFirst().orElseThrow(() -> {
            if (exact.isEmpty()) {
                return ApiError.notFound("there is nothing at " + call.path() + "; /openapi.json says what there is");
            }
            String allowed = exact.stream().map(Route::method).collect(Collectors.joining(", "));
            call.setHeader("Allow", allowed);
            return ApiError.methodNotAllowed(call.path() + " takes " + allowed + ", not " + call.method());
        });
    }

    private static void error(Call call, ErrorBodies errors, ApiError e) throws IOException {
        e.retryAfter().ifPresent(seconds -> call.setHeader("Retry-After", Integer.toString(seconds)));
        call.note(e.getMessage());
        call.reply(e.status(), errors.body(e));
    }
}
