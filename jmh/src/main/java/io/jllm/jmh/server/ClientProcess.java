package io.jllm.jmh.server;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;

/** {@link Clients} in a JVM of their own, so that what they cost is not counted as the server's. It ends with this one. For one thread. */
final class ClientProcess implements AutoCloseable {
    private final Process process;
    private final PrintWriter orders;
    private final BufferedReader results;

    ClientProcess(int port) throws IOException {
        String java = Path.of(System.getProperty("java.home"), "bin", "java").toString();
        process = new ProcessBuilder(List.of(java, "-Xmx256m", "-XX:+UseSerialGC", "-cp", System.getProperty("java.class.path"),
                ClientProcess.class.getName(), Integer.toString(port))).redirectError(ProcessBuilder.Redirect.INHERIT).start();
        orders = new PrintWriter(process.outputWriter(StandardCharsets.US_ASCII), true);
        results = process.inputReader(StandardCharsets.US_ASCII);
    }

    Load load(int clients, double seconds) throws IOException {
        orders.println(clients + " " + seconds);
        String line = results.readLine();
        if (line == null) {
            throw new IOException("the process of the clients has ended");
        }
        return Load.read(line);
    }

    @Override
    public void close() {
        orders.close();
        process.onExit().join();
    }

    /** The other process: a line of JSON for each order. */
    public static void main(String[] args) throws IOException {
        run(Integer.parseInt(args[0]), System.in, System.out);
    }

    private static void run(int port, InputStream orders, PrintStream results) throws IOException {
        var lines = new BufferedReader(new InputStreamReader(orders, StandardCharsets.US_ASCII));
        for (String line = lines.readLine(); line != null; line = lines.readLine()) {
            String[] order = line.split(" ");
            results.println(Clients.run(port, Integer.parseInt(order[0]), Double.parseDouble(order[1])).line());
        }
    }
}
