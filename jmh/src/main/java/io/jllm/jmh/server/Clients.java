package io.jllm.jmh.server;

import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.SelectionKey;
import java.nio.channels.Selector;
import java.nio.channels.SocketChannel;
import java.util.ArrayList;
import java.util.List;

/**
 * Clients of a server of this machine, each of whom asks again as soon as it is answered. One thread serves all of them and wakes no other, so that
 * they take little of the processors that they share with the server.
 */
final class Clients implements AutoCloseable {
    private final Selector selector = Selector.open();
    private final Load.Builder load;
    private final long end;
    private int open;

    private Clients(int port, int clients, double seconds) throws IOException {
        load = new Load.Builder();
        end = System.nanoTime() + (long) (seconds * 1e9);
        for (int i = 0; i < clients; i++) {
            SocketChannel channel = Connection.open(port);
            channel.configureBlocking(false);
            var client = new Client(channel, i);
            channel.register(selector, SelectionKey.OP_READ, client);
            client.ask();
            open++;
        }
    }

    /** Asks for so long, and then waits for the last answers. */
    static Load run(int port, int clients, double seconds) throws IOException {
        try (var all = new Clients(port, clients, seconds)) {
            while (all.open > 0) {
                all.selector.select(key -> all.read((Client) key.attachment()));
            }
            return all.load.build();
        }
    }

    private void read(Client client) {
        try {
            if (client.read()) {
                load.add(client.reply.answered());
                if (System.nanoTime() < end) {
                    client.ask();
                } else {
                    end(client);
                }
            }
        } catch (IOException _) {
            load.lost();
            end(client);
        }
    }

    private void end(Client client) {
        open--;
        try {
            client.channel.close();
        } catch (IOException _) {
            // it is over in any case
        }
    }

    /** One of them. */
    private static final class Client {
        private final SocketChannel channel;
        private final Reply reply = new Reply();
        private final int number;
        private int asked;

        Client(SocketChannel channel, int number) {
            this.channel = channel;
            this.number = number;
        }

        void ask() throws IOException {
            ByteBuffer request = reply.ask(Load.prompt(number, asked++), Load.TOKENS);
            channel.write(request);
            if (request.hasRemaining()) {
                throw new IOException("a connection takes no request of " + request.limit() + " bytes at once");
            }
        }

        /** Takes what has come; whether the answer is whole. */
        boolean read() throws IOException {
            if (channel.read(reply.room()) < 0) {
                throw new EOFException("the connection ended in the midst of an answer");
            }
            return reply.isWhole();
        }
    }

    @Override
    public void close() throws IOException {
        for (SelectionKey key : List.copyOf(new ArrayList<>(selector.keys()))) {
            key.channel().close();
        }
        selector.close();
    }
}
