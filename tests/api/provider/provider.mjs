// A real OpenID provider for one client, whose people are in the groups that their names say: "ann.red" is in "red".
// node provider.mjs PORT, in a folder that has the package oidc-provider.
import { Provider } from 'oidc-provider';

const port = Number(process.argv[2]);
const provider = new Provider(`http://127.0.0.1:${port}`, {
  clients: [
    {
      client_id: 'situs',
      redirect_uris: ['http://127.0.0.1:1/back'],
      token_endpoint_auth_method: 'none',
      grant_types: ['authorization_code'],
      response_types: ['code'],
    },
    {
      client_id: 'other',
      redirect_uris: ['http://127.0.0.1:1/back'],
      token_endpoint_auth_method: 'none',
      grant_types: ['authorization_code'],
      response_types: ['code'],
    },
  ],
  claims: { openid: ['sub'], groups: ['groups'] },
  scopes: ['openid', 'groups'],
  conformIdTokenClaims: false,
  pkce: { required: () => true },
  findAccount: (_context, id) => ({
    accountId: id,
    claims: () => ({ sub: id, groups: id.split('.').slice(1) }),
  }),
});
provider.listen(port, '127.0.0.1', () => console.log('ready'));
