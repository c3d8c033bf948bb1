package io.jllm.server.http;

/**
 * A way to an endpoint.
 *
 * @param method GET or POST
 * @param path the whole path; one that ends with {@code /*} is for all below it
 * @param open whether it needs no key
 * @param errors how its errors are written
 */
public record Route(String method, String path, boolean open, ErrorBodies errors, Endpoint endpoint) {
    /** With a key, and OpenAI's errors. */
    public static Route of(String method, String path, Endpoint endpoint) {
        return new Route(method, path, false, ErrorBodies.OPENAI, endpoint);
    }

    /** The same without a key. */
    public Route opened() {
        return new Route(method, path, true, errors, endpoint);
    }

    /** The same with other errors. */
    public Route with(ErrorBodies bodies) {
        return new Route(method, path, open, bodies, endpoint);
    }

    boolean leads(String to) {
        return path.endsWith("/*") ? to.startsWith(path.substring(0, path.length() - 1)) && to.length() >= path.length() : to.equals(path);
    }
}
