package io.jllm.examples.deployment;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * Where next to nothing is allowed: file systems without write access, without execution, without room, without a home, another user. jLLM writes no
 * file.
 */
class RestrictedTest {
    /** A namespace of mounts of one's own; where users may have them, no root is needed. */
    private static final List<String> NAMESPACE = List.of("unshare", "--user", "--map-root-user", "--mount", "--propagation", "private");
    private static final List<String> AS_ROOT = List.of("unshare", "--mount", "--propagation", "private");

    private static String text;

    @BeforeAll
    static void tell() {
        text = Application.text(Teller.tell(Application.model().toString()));
    }

    private static List<String> application(List<String> flags, Path model) {
        return Child.words(List.of(Child.java()), Child.FLAGS, flags, List.of("-cp", Application.path(), Application.MAIN, model.toString(), "main"));
    }

    /** The application after some commands of a shell, in a namespace of its own. */
    private static Child inNamespace(Map<String, String> environment, String commands, List<String> flags) throws Exception {
        for (List<String> namespace : List.of(NAMESPACE, AS_ROOT)) {
            if (works(Child.words(namespace, List.of("sh", "-c", "mount -t tmpfs tmpfs /mnt")))) {
                // What the shell finds in the way of the test is told apart from what the application does.
                return Child.run(environment, Child.words(namespace, List.of("sh", "-c", "(" + commands + ") >&2 || exit 99; exec \"$@\"", "sh"),
                        application(flags, Application.model())));
            }
        }
        assumeTrue(false, "skipped: no mounts of one's own here (unshare --user --mount)");
        throw new AssertionError();
    }

    private static boolean works(List<String> command) throws InterruptedException {
        try {
            return Child.run(command).exit() == 0;
        } catch (IOException e) {
            return false; // there is no such program
        }
    }

    /** Every file system that there is, and then the folders that programs like to write to. */
    @ParameterizedTest
    @CsvSource(delimiter = ';', value = {
        "everything read-only; mount -o remount,bind,ro / && ! touch \"$HOME/x\" && ! touch \"$(dirname \"$(mktemp -u)\")/x\"",
        "home and temporary files cannot be executed; mount -t tmpfs -o noexec tmpfs /mnt && cp /bin/true /mnt/true && ! /mnt/true",
        "home and temporary files on a full disk; mount -t tmpfs -o size=64k tmpfs /mnt && ! dd if=/dev/zero of=/mnt/full bs=4k count=99 && ! sh -c 'echo more > /mnt/more'",
        "no shared memory; mount -t tmpfs -o ro tmpfs /dev/shm",
        "no list of processors or devices; mount -t tmpfs -o ro tmpfs /sys"})
    void mounts(String name, String commands) throws Exception {
        boolean elsewhere = commands.contains("/mnt");
        Child child = inNamespace(elsewhere ? Map.of("HOME", "/mnt") : Map.of(), commands,
                elsewhere ? List.of("-Duser.home=/mnt", "-Djava.io.tmpdir=/mnt") : List.of());
        assumeTrue(child.exit() != 99, "skipped: this machine does not give " + name + ": " + child.err());
        child.assertToldOnMain(text);
    }

    @Test
    void noHome() throws Exception {
        Child.run(Map.of("HOME", ""), application(List.of("-Duser.home=?", "-Djava.io.tmpdir=" + Path.of("nowhere").toAbsolutePath()),
                Application.model()))
                .assertToldOnMain(text);
    }

    /** As containers have it that are built by root and run by a number. */
    @Test
    void anotherUser(@TempDir Path folder) throws Exception {
        assumeTrue("root".equals(System.getProperty("user.name")), "skipped: only root can become another user");
        Files.setPosixFilePermissions(folder, PosixFilePermissions.fromString("rwxr-xr-x"));
        Path model = Files.copy(Application.model(), folder.resolve("model.gguf"));
        Files.setPosixFilePermissions(model, PosixFilePermissions.fromString("r--r--r--"));
        List<String> user = List.of("setpriv", "--reuid=12345", "--regid=12345", "--clear-groups");
        var jars = new ArrayList<String>();
        for (Path jar : Application.jars()) { // wherever the checkout and Maven's repository are
            jars.add(Files.copy(jar, folder.resolve(jar.getFileName())).toString());
        }
        List<String> command = Child.words(user, List.of(Child.java()), Child.FLAGS,
                List.of("-cp", String.join(":", jars), Application.MAIN, model.toString(), "main"));
        assumeTrue(works(Child.words(user, List.of(Child.java(), "-version"))) && works(Child.words(user, List.of("cat", model.toString()))),
                "skipped: another user cannot read this JDK, or this folder");
        Child.run(Map.of("HOME", "/nonexistent"), command).assertToldOnMain(text);
    }

    /** Weights and caches lie outside the heap. */
    @Test
    void aHeapSmallerThanTheModel() throws Exception {
        assertTrue(Files.size(Application.model()) > 12 << 20);
        Child child = Child.run(application(List.of("-Xmx12m", "-XX:+UseSerialGC"), Application.model()));
        assertEquals(List.of(), child.err());
        child.assertToldOnMain(text);
    }
}
