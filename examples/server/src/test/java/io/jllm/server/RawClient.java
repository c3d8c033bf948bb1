package io.jllm.server;

import java.io.IOException;
import java.net.Socket;
import java.nio.charset.StandardCharsets;

/** A client that says what a test wants, byte by byte. */
final class RawClient implements AutoCloseable {
    private final Socket socket;

    RawClient(LlmServer server) throws IOException {
        socket = new Socket("127.0.0.1", server.port());
        socket.setTcpNoDelay(true);
    }

    Socket socket() {
        return socket;
    }

    void send(String text) throws IOException {
        socket.getOutputStream().write(text.getBytes(StandardCharsets.UTF_8));
        socket.getOutputStream().flush();
    }

    /** A whole request. */
    void post(String path, String body) throws IOException {
        send("POST " + path + " HTTP/1.1\r\nHost: localhost\r\nContent-Length: " + body.getBytes(StandardCharsets.UTF_8).length + "\r\n\r\n" + body);
    }

    /** All that comes until the text is there, or the connection is at its end. */
    String readUntil(String text) throws IOException {
        var read = new StringBuilder();
        byte[] buffer = new byte[8192];
        try {
            while (read.indexOf(text) < 0) {
                int n = socket.getInputStream().read(buffer);
                if (n < 0) {
                    break;
                }
                read.append(new String(buffer, 0, n, StandardCharsets.ISO_8859_1));
            }
        } catch (IOException e) {
            read.append("<reset>");
        }
        return read.toString();
    }

    /** All that comes. */
    String readAll() throws IOException {
        return readUntil("\0 never comes");
    }

    @Override
    public void close() throws IOException {
        socket.close();
    }
}
