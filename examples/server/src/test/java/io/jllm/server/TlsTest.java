package io.jllm.server;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.jllm.LLM;
import java.io.IOException;
import java.io.InputStream;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyPairGenerator;
import java.security.KeyStore;
import java.util.Base64;
import java.util.List;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLHandshakeException;
import javax.net.ssl.TrustManagerFactory;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** HTTPS by files of keys, which the JDK's keytool makes for the test. */
class TlsTest {
    private static final String PASSWORD = "password";
    private static LLM llm;

    @TempDir
    Path folder;

    @BeforeAll
    static void open() {
        llm = Served.demo();
    }

    @AfterAll
    static void close() {
        llm.close();
    }

    /** A certificate for this machine that vouches for itself, and its key, as files in PEM. */
    private record Identity(KeyStore store, Path certificate, Path key) {
        static Identity of(Path folder, String algorithm) throws IOException, GeneralSecurityException, InterruptedException {
            Path file = folder.resolve(algorithm + ".p12");
            Process keytool = new ProcessBuilder(Path.of(System.getProperty("java.home"), "bin", "keytool").toString(), "-genkeypair", "-alias", "me",
                    "-keyalg", algorithm, "-dname", "CN=localhost", "-ext", "SAN=dns:localhost,ip:127.0.0.1", "-validity", "3650", "-storetype", "PKCS12",
                    "-keystore", file.toString(), "-storepass", PASSWORD).redirectErrorStream(true).start();
            String said = new String(keytool.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
            assertEquals(0, keytool.waitFor(), said);
            KeyStore store = KeyStore.getInstance("PKCS12");
            try (InputStream in = Files.newInputStream(file)) {
                store.load(in, PASSWORD.toCharArray());
            }
            return new Identity(store, pem(folder.resolve(algorithm + ".crt"), "CERTIFICATE", store.getCertificate("me").getEncoded()),
                    pem(folder.resolve(algorithm + ".key"), "PRIVATE KEY", store.getKey("me", PASSWORD.toCharArray()).getEncoded()));
        }

        private static Path pem(Path file, String what, byte[] der) throws IOException {
            return Files.writeString(file, "-----BEGIN " + what + "-----\n" + Base64.getMimeEncoder(64, new byte[] {'\n'}).encodeToString(der)
                    + "\n-----END " + what + "-----\n");
        }

        /** A client that trusts it. */
        HttpClient client() throws GeneralSecurityException, IOException {
            KeyStore trusted = KeyStore.getInstance("PKCS12");
            trusted.load(null, new char[0]);
            trusted.setCertificateEntry("server", store.getCertificate("me"));
            TrustManagerFactory managers = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
            managers.init(trusted);
            SSLContext context = SSLContext.getInstance("TLS");
            context.init(null, managers.getTrustManagers(), null);
            return HttpClient.newBuilder().sslContext(context).version(HttpClient.Version.HTTP_1_1).build();
        }
    }

    private static HttpResponse<String> ask(HttpClient client, URI server, boolean stream) throws IOException, InterruptedException {
        return client.send(HttpRequest.newBuilder(server.resolve("/v1/completions"))
                .POST(BodyPublishers.ofString("{\"prompt\":\"Once\",\"max_tokens\":20,\"stream\":" + stream + "}")).build(), BodyHandlers.ofString());
    }

    @ParameterizedTest
    @ValueSource(strings = {"RSA", "EC", "Ed25519"})
    void servesHttps(String algorithm) throws Exception {
        Identity identity = Identity.of(folder, algorithm);
        try (Served served = Served.with(llm, b -> b.tls(identity.certificate, identity.key)); HttpClient client = identity.client();
                HttpClient stranger = HttpClient.newHttpClient()) {
            URI uri = served.server.uri();
            assertEquals("https", uri.getScheme());
            assertEquals(200, ask(client, uri, false).statusCode());
            HttpResponse<String> stream = ask(client, uri, true);
            assertTrue(stream.statusCode() == 200 && stream.body().endsWith("data: [DONE]\n\n"), stream.body());
            assertThrows(SSLHandshakeException.class, () -> ask(stranger, uri, false));
            try (var plain = new RawClient(served.server)) { // and who speaks no TLS is not answered
                plain.post("/v1/completions", "{\"prompt\":\"Once\"}");
                assertFalse(plain.readAll().startsWith("HTTP/1.1 200"));
            }
            assertEquals(200, ask(client, uri, false).statusCode());
        }
    }

    /** As openssl writes them: words before the key, and lines that end as on Windows. */
    @Test
    void readsFilesAsToolsWriteThem() throws Exception {
        Identity identity = Identity.of(folder, "EC");
        Path key = Files.writeString(folder.resolve("words.key"), "Bag Attributes\n    friendlyName: me\n" + Files.readString(identity.key).replace("\n", "\r\n"));
        Path certificate = Files.writeString(folder.resolve("words.crt"), "subject=CN = localhost\n\n" + Files.readString(identity.certificate));
        try (Served served = Served.with(llm, b -> b.tls(certificate, key)); HttpClient client = identity.client()) {
            assertEquals(200, ask(client, served.server.uri(), false).statusCode());
        }
    }

    private static String refusal(Path certificate, Path key) {
        return assertThrows(IllegalArgumentException.class, () -> Served.with(llm, b -> b.tls(certificate, key))).getMessage();
    }

    @Test
    void refusesOtherFiles() throws Exception {
        Identity identity = Identity.of(folder, "EC");
        Path other = Identity.pem(folder.resolve("other.key"), "PRIVATE KEY", KeyPairGenerator.getInstance("EC").generateKeyPair().getPrivate().getEncoded());
        Path empty = Files.writeString(folder.resolve("empty"), "");
        Path pkcs1 = Files.writeString(folder.resolve("pkcs1"), "-----BEGIN RSA PRIVATE KEY-----\nAAAA\n-----END RSA PRIVATE KEY-----\n");
        Path broken = Files.writeString(folder.resolve("broken"), "-----BEGIN PRIVATE KEY-----\nA$A\n-----END PRIVATE KEY-----\n");
        for (String wrong : List.of(refusal(empty, identity.key), refusal(identity.certificate, empty), refusal(identity.certificate, pkcs1),
                refusal(identity.certificate, broken), refusal(identity.key, identity.key), refusal(identity.certificate, other))) {
            assertTrue(wrong.contains(folder.toString()), wrong);
        }
        assertTrue(refusal(identity.certificate, pkcs1).contains("openssl pkcs8 -topk8"));
        assertThrows(IOException.class, () -> Served.with(llm, b -> b.tls(folder.resolve("none"), identity.key)));
    }
}
