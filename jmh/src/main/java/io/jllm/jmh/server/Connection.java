package io.jllm.jmh.server;

import java.io.EOFException;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.StandardSocketOptions;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;

/** A connection that is kept to a server of this machine; its thread waits. */
final class Connection implements Asking {
    private final SocketChannel channel;
    private final Reply reply = new Reply();

    Connection(int port) throws IOException {
        channel = open(port);
    }

    static SocketChannel open(int port) throws IOException {
        SocketChannel channel = SocketChannel.open(new InetSocketAddress(InetAddress.getLoopbackAddress(), port));
        channel.setOption(StandardSocketOptions.TCP_NODELAY, true);
        return channel;
    }

    @Override
    public Answered ask(String prompt, int tokens) throws IOException {
        ByteBuffer request = reply.ask(prompt, tokens);
        while (request.hasRemaining()) {
            channel.write(request);
        }
        do {
            if (channel.read(reply.room()) < 0) {
                throw new EOFException("the connection ended in the midst of an answer");
            }
        } while (!reply.isWhole());
        return reply.answered();
    }

    @Override
    public void close() throws IOException {
        channel.close();
    }
}
