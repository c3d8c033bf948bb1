package io.jllm.jmh.server;

import com.google.gson.JsonPrimitive;
import java.io.BufferedInputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;

/** A connection that is kept to a server of this machine, and no more of HTTP than it takes: a client should cost little beside what it measures. */
final class Connection implements Asking {
    private static final String DATA = "data: ";
    private static final String TOKENS = "\"completion_tokens\":";

    private final Socket socket;
    private final InputStream in;

    Connection(int port) throws IOException {
        socket = new Socket(InetAddress.getLoopbackAddress(), port);
        socket.setTcpNoDelay(true);
        in = new BufferedInputStream(socket.getInputStream());
    }

    @Override
    public Answered ask(String prompt, int tokens) throws IOException {
        byte[] body = ("{\"prompt\":" + new JsonPrimitive(prompt) + ",\"max_tokens\":" + tokens
                + ",\"temperature\":0,\"ignore_eos\":true,\"stream\":true,\"stream_options\":{\"include_usage\":true}}").getBytes(StandardCharsets.UTF_8);
        long begin = System.nanoTime();
        byte[] head = ("POST /v1/completions HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: " + body.length + "\r\n\r\n")
                .getBytes(StandardCharsets.US_ASCII);
        byte[] all = new byte[head.length + body.length];
        System.arraycopy(head, 0, all, 0, head.length);
        System.arraycopy(body, 0, all, head.length, body.length);
        socket.getOutputStream().write(all);
        String status = line();
        if (!status.startsWith("HTTP/1.1 200")) {
            throw new IOException("answered by " + status);
        }
        while (!line().isEmpty()) {
            // its head
        }
        return events(begin);
    }

    /** The chunks are taken as they come: this server writes an event in each. */
    private Answered events(long begin) throws IOException {
        long first = 0;
        int tokens = -1;
        boolean done = false;
        for (int length = length(); length > 0; length = length()) {
            String chunk = new String(in.readNBytes(length), StandardCharsets.UTF_8);
            line();
            if (chunk.startsWith(DATA)) {
                first = first == 0 ? System.nanoTime() - begin : first;
                int at = chunk.indexOf(TOKENS);
                tokens = at < 0 ? tokens : number(chunk, at + TOKENS.length());
                done |= chunk.startsWith("[DONE]", DATA.length());
            }
        }
        line();
        if (!done || tokens < 0) {
            throw new IOException("an answer without an end");
        }
        return new Answered(first, tokens);
    }

    private int length() throws IOException {
        return Integer.parseInt(line(), 16);
    }

    private static int number(String text, int from) {
        int to = from;
        while (Character.isDigit(text.charAt(to))) {
            to++;
        }
        return Integer.parseInt(text.substring(from, to));
    }

    private String line() throws IOException {
        var line = new StringBuilder();
        for (int b = in.read(); b != '\n'; b = in.read()) {
            if (b < 0) {
                throw new EOFException("the connection ended in the midst of an answer");
            }
            if (b != '\r') {
                line.append((char) b);
            }
        }
        return line.toString();
    }

    @Override
    public void close() throws IOException {
        socket.close();
    }
}
