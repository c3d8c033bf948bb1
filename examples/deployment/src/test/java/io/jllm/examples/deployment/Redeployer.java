package io.jllm.examples.deployment;

import java.io.File;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.management.ManagementFactory;
import java.lang.management.MemoryPoolMXBean;
import java.lang.ref.WeakReference;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import javax.management.ObjectName;

/**
 * A server that deploys the application, has it load models and use them, and drops it, again and again. Prints after each time what is left:
 * class loaders, anonymous resident memory and metaspace in KiB, bytes of code of ours, and threads of ours. Arguments: how often, a model to tell a
 * tale with, a model that cannot be loaded, whether two applications run at once, and their class path.
 */
final class Redeployer {
    private static final int MOST_COLLECTIONS = 500;

    private Redeployer() {
    }

    public static void main(String[] args) throws Exception {
        int rounds = Integer.parseInt(args[0]);
        boolean pairs = Boolean.parseBoolean(args[3]);
        var urls = new ArrayList<URL>();
        for (String entry : args[4].split(File.pathSeparator)) {
            urls.add(Path.of(entry).toUri().toURL());
        }
        var dropped = new ArrayList<WeakReference<ClassLoader>>();
        for (int i = 1; i <= rounds; i++) {
            dropped.addAll(deploy(urls, args[1], args[2], pairs));
            System.out.println(i + " " + collect(dropped) + " " + trimmedKib() + " " + metaspaceKib() + " "
                    + codeBytes() + " " + threads());
        }
    }

    /** Deploys one application, or two side by side of which the first is dropped first; what refers to their class loaders. */
    private static List<WeakReference<ClassLoader>> deploy(List<URL> classes, String model, String broken, boolean pairs) throws Exception {
        var refs = new ArrayList<WeakReference<ClassLoader>>();
        var open = new ArrayList<AutoCloseable>();
        for (int i = 0; i < (pairs ? 2 : 1); i++) {
            URLClassLoader loader = new URLClassLoader(classes.toArray(URL[]::new), ClassLoader.getPlatformClassLoader());
            refs.add(new WeakReference<>(loader));
            Thread.currentThread().setContextClassLoader(loader);
            var use = (AutoCloseable) loader.loadClass(Deployed.class.getName()).getConstructor(String.class, String.class).newInstance(model,
                    broken);
            Thread.currentThread().setContextClassLoader(null);
            open.add(use);
            open.add(loader);
        }
        for (AutoCloseable c : open) {
            c.close();
        }
        return refs;
    }

    /**
     * Collects until all class loaders are gone, and whatever waits for that is done; how many stay. Threads of the JVM's pools, which ran an
     * application's callbacks, may know its last one until they run something else: so they are given something else.
     */
    private static long collect(List<WeakReference<ClassLoader>> dropped) throws InterruptedException {
        for (int i = 0; i < MOST_COLLECTIONS && (left(dropped) > 0 || codeBytes() > 0 || i == 0); i++) {
            for (int k = 0; k < Runtime.getRuntime().availableProcessors(); k++) {
                Thread.startVirtualThread(() -> { }).join();
                CompletableFuture.runAsync(() -> { });
            }
            System.gc();
            Thread.sleep(20);
        }
        return left(dropped);
    }

    private static long left(List<WeakReference<ClassLoader>> dropped) {
        return dropped.stream().filter(r -> r.get() != null).count();
    }

    /**
     * Without what the C library has been given back, but keeps: the JVM's compilers take and free tens of megabytes at a time, and how much of
     * them stays resident is chance.
     */
    private static long trimmedKib() throws Exception {
        ManagementFactory.getPlatformMBeanServer().invoke(new ObjectName("com.sun.management:type=DiagnosticCommand"), "systemTrimNativeHeap",
                new Object[0], new String[0]);
        return residentKib();
    }

    private static long residentKib() {
        return lines("/proc/self/status").stream().filter(l -> l.startsWith("RssAnon:"))
                .mapToLong(l -> Long.parseLong(l.replaceAll("\\D", ""))).sum();
    }

    private static long metaspaceKib() {
        return ManagementFactory.getMemoryPoolMXBeans().stream().filter(p -> p.getName().equals("Metaspace"))
                .mapToLong(p -> p.getUsage().getUsed()).sum() >> 10;
    }

    private static List<String> lines(String file) {
        try {
            return Files.readAllLines(Path.of(file));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Memory that can be executed, is no file's, and is not the JVM's own, which can be written too. */
    private static long codeBytes() {
        long bytes = 0;
        for (String line : lines("/proc/self/maps")) {
            if (line.matches("\\S+ r-xp \\S+ 00:00 0 *")) {
                String[] ends = line.split("[- ]");
                bytes += Long.parseLong(ends[1], 16) - Long.parseLong(ends[0], 16);
            }
        }
        return bytes;
    }

    /** Those that bear our name or know a class loader of an application. */
    private static List<String> threads() {
        return Thread.getAllStackTraces().keySet().stream()
                .filter(t -> t.getName().startsWith("jllm") || t.getContextClassLoader() instanceof URLClassLoader).map(Thread::getName).sorted()
                .toList();
    }
}
